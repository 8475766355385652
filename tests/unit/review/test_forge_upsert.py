"""One comment per pull request and stack, one issue per stack, whatever a forge does."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from review.forge.access import open_repository
from review.forge.errors import ForgeError
from review.forge.repository import Repository
from review.forge.upsert import close_issues, upsert_comment, upsert_issue
from review.forges import Forge
from tests.forge.server import HEAD, ME, REPOSITORY, TOKEN, Fault, StandIn, serving

MARK = "<!-- pai review: prod -->"
FORGES = list(Forge)
VARIABLE = {
    Forge.GITHUB: "GITHUB_TOKEN",
    Forge.GITLAB: "GITLAB_TOKEN",
    Forge.FORGEJO: "FORGEJO_TOKEN",
}


class Waits(list[float]):
    """What was waited for, in seconds; nothing is."""

    def __call__(self, seconds: float) -> None:
        """In place of `time.sleep`."""
        self.append(seconds)


@pytest.fixture(params=FORGES)
def there(request: pytest.FixtureRequest) -> Iterator[StandIn]:
    """Each forge; at the end nothing sent or answered may differ from its description."""
    with serving(StandIn(request.param)) as stand_in:
        yield stand_in
    assert stand_in.wrong == []


def _opened(there: StandIn, waits: Waits | None = None) -> Repository:
    environment = {VARIABLE[there.forge]: TOKEN}
    return open_repository(
        there.forge,
        environment,
        repository=REPOSITORY,
        api=there.api,
        sleep=Waits() if waits is None else waits,
    )


def _kept(there: StandIn, body: str, waits: Waits | None = None) -> str:
    waits = Waits() if waits is None else waits
    return upsert_comment(_opened(there, waits), 1, MARK, f"{MARK}\n{body}", waits)


def _ours(there: StandIn) -> list[str]:
    return [c.body.partition("\n")[2] for c in there.comments if c.body.startswith(MARK)]


def test_the_first_run_creates_the_second_updates_the_third_leaves_it(there: StandIn) -> None:
    done = [_kept(there, "one"), _kept(there, "two"), _kept(there, "two")]

    assert done == ["created", "updated", "unchanged"]
    assert _ours(there) == ["two"]


def test_it_is_found_among_any_number_of_comments(there: StandIn) -> None:
    author = "3" if there.forge is Forge.GITLAB else "someone"
    for number in range(130):
        there.add("comment", author, f"before {number}")
    _kept(there, "one")
    for number in range(130):
        there.add("comment", author, f"after {number}")

    assert _kept(there, "two") == "updated"
    assert _ours(there) == ["two"]
    assert len(there.comments) == 261
    if there.forge is Forge.GITLAB:  # its newest come first otherwise, and shift the pages
        assert {"sort=asc" in path for _, path in there.asked if "notes?" in path} == {True}


def test_each_stack_has_its_own(there: StandIn) -> None:
    _kept(there, "prod")
    other = MARK.replace("prod", "prod-2")
    upsert_comment(_opened(there), 1, other, f"{other}\nelse", Waits())

    assert len(there.comments) == 2
    assert _ours(there) == ["prod"]


def test_a_mark_in_somebody_elses_comment_is_left_alone(there: StandIn) -> None:
    """Who wrote a comment can edit it: a report in it would not be ours for long."""
    forged = there.add(
        "comment", "3" if there.forge is Forge.GITLAB else "mallory", f"{MARK}\nmine"
    )

    assert _kept(there, "one") == "created"
    assert forged.body == f"{MARK}\nmine"
    assert _ours(there) == ["mine", "one"]


def test_a_comment_of_ours_that_quotes_the_mark_is_left_alone(there: StandIn) -> None:
    quote = there.add("comment", ME[there.forge], f"Of {MARK} I think:")

    assert _kept(there, "one") == "created"
    assert quote.body == f"Of {MARK} I think:"


def test_two_runs_that_both_find_nothing_leave_one(there: StandIn) -> None:
    there.before_create = lambda: _kept(there, "the other run's")

    assert _kept(there, "ours") == "created"
    assert _ours(there) == ["ours"]


def test_many_runs_at_once_leave_one(there: StandIn) -> None:
    failed: list[BaseException] = []

    def run(number: int) -> None:
        try:
            repository = _opened(there)
            upsert_comment(repository, 1, MARK, f"{MARK}\n{number}", lambda _: time.sleep(0.01))
        except BaseException as error:  # noqa: BLE001 - of a thread
            failed.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert len(_ours(there)) == 1
    _kept(there, "last")
    assert _ours(there) == ["last"]


@pytest.mark.parametrize("status", [0, 500, 502, 503])
def test_a_creation_whose_answer_is_lost_is_not_repeated(there: StandIn, status: int) -> None:
    there.faults.append(Fault(status, method="POST", after=True))
    if there.forge is Forge.GITHUB:  # its first POST asks who we are
        there.faults.insert(0, Fault(502, method="POST"))

    assert _kept(there, "one") == "created"
    assert _ours(there) == ["one"]


@pytest.mark.parametrize("status", [0, 500, 503])
def test_a_creation_that_failed_is_made_again(there: StandIn, status: int) -> None:
    repository = _opened(there)
    repository.me = lambda: ME[there.forge]  # type: ignore[method-assign]
    there.faults.append(Fault(status, method="POST"))

    assert upsert_comment(repository, 1, MARK, f"{MARK}\none", Waits()) == "created"
    assert _ours(there) == ["one"]


def test_a_list_that_lags_behind_makes_no_second_comment(there: StandIn) -> None:
    there.stale = 3

    assert _kept(there, "one") == "created"
    assert _ours(there) == ["one"]


def test_a_comment_deleted_meanwhile_is_made_again(there: StandIn) -> None:
    _kept(there, "one")
    repository = _opened(there)
    edit = repository.edit_comment

    def deleted_first(pull: int, comment: int, body: str) -> None:
        there.comments.clear()
        edit(pull, comment, body)

    repository.edit_comment = deleted_first  # type: ignore[method-assign]

    assert upsert_comment(repository, 1, MARK, f"{MARK}\ntwo", Waits()) == "created"
    assert _ours(there) == ["two"]


def test_a_duplicate_of_an_earlier_failure_is_deleted(there: StandIn) -> None:
    eldest = there.add("comment", ME[there.forge], f"{MARK}\nold")
    there.add("comment", ME[there.forge], f"{MARK}\nyounger")

    assert _kept(there, "new") == "updated"
    assert there.comments == [eldest]
    assert _ours(there) == ["new"]


LIMITS = {
    "Retry-After": (Fault(429, {"Retry-After": "7"}), 7),
    "a date": (
        Fault(
            429,
            {
                "Retry-After": "Sat, 21 Nov 2026 08:00:09 GMT",
                "Date": "Sat, 21 Nov 2026 08:00:00 GMT",
            },
        ),
        9,
    ),
    "GitHub's primary": (
        Fault(
            403,
            {
                "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset": "1795248030",
                "Date": "Sat, 21 Nov 2026 08:00:00 GMT",
            },
        ),
        31,
    ),
    "GitLab's": (
        Fault(
            429,
            {
                "RateLimit-Remaining": "0",
                "RateLimit-Reset": "1795248030",
                "Date": "Sat, 21 Nov 2026 08:00:00 GMT",
            },
        ),
        31,
    ),
    "GitHub's secondary": (
        Fault(403, body='{"message": "You have exceeded a secondary rate limit."}'),
        60,
    ),
    "a conflict": (Fault(409), 1),
}


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_limit_is_waited_out(there: StandIn, limit: str, method: str) -> None:
    fault, seconds = LIMITS[limit]
    there.faults.append(Fault(fault.status, dict(fault.headers), fault.body, method))
    waits = Waits()

    assert _kept(there, "one", waits) == "created"
    assert waits == [seconds]
    assert _ours(there) == ["one"]


def test_a_limit_that_lasts_is_said_with_its_end(there: StandIn) -> None:
    there.faults.append(Fault(429, {"Retry-After": "3000"}))

    with pytest.raises(ForgeError, match="retry after 3000 s"):
        _kept(there, "one")


def test_a_forge_that_stays_down_is_said(there: StandIn) -> None:
    there.faults = [Fault(503) for _ in range(20)]
    waits = Waits()

    with pytest.raises(ForgeError, match="503"):
        _kept(there, "one", waits)
    assert waits == [1, 2, 4, 8, 16, 32, 60]


def test_a_wait_says_for_what_and_how_long(
    there: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    there.faults = [Fault(503, body=f"{TOKEN} is down"), Fault(503)]
    _kept(there, "one")

    first, second = caplog.messages
    assert first.endswith("[secret] is down; again in 1 s (2nd of 8 tries)")
    assert second.endswith("; again in 2 s (3rd of 8 tries)")


@pytest.mark.parametrize("forge", FORGES)
def test_an_address_where_nothing_listens_here_is_refused_at_once(forge: Forge) -> None:
    waits = Waits()
    repository = open_repository(
        forge,
        {VARIABLE[forge]: TOKEN},
        repository=REPOSITORY,
        api="http://127.0.0.1:9",  # discard, which nobody serves
        sleep=waits,
    )

    with pytest.raises(ForgeError, match=r"127\.0\.0\.1:9 refuses the connection"):
        upsert_comment(repository, 1, MARK, MARK, waits)
    assert waits == []


@pytest.mark.parametrize(
    ("failure", "said", "final"),
    [
        (socket.gaierror(socket.EAI_NONAME, "…"), "forge.example, a name that nobody knows", True),
        (socket.gaierror(socket.EAI_AGAIN, "try again"), "try again; again in 1 s", False),
        (ConnectionRefusedError(), "forge.example refuses the connection; again in 1 s", False),
    ],
)
def test_only_what_may_change_is_tried_again(
    failure: OSError,
    said: str,
    final: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def connect(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(socket, "create_connection", connect)
    waits = Waits()
    repository = open_repository(
        Forge.FORGEJO,
        {VARIABLE[Forge.FORGEJO]: TOKEN},
        repository=REPOSITORY,
        api="https://forge.example/api/v1",
        sleep=waits,
    )

    with pytest.raises(ForgeError) as caught:
        repository.me()
    assert bool(waits) is not final
    assert said in (str(caught.value) if final else caplog.messages[0])


@pytest.mark.parametrize("status", [400, 403, 404, 410, 422, 423])
def test_a_refusal_is_final_and_told_with_its_reason(there: StandIn, status: int) -> None:
    repository = _opened(there)
    repository.me = lambda: ME[there.forge]  # type: ignore[method-assign]
    there.faults.append(Fault(status, body='{"message": "body is too long"}', method="POST"))

    with pytest.raises(ForgeError, match=f"{status}.*body is too long"):
        upsert_comment(repository, 1, MARK, MARK, Waits())
    assert there.comments == []


def test_a_forge_that_loses_everything_is_an_error_and_no_success(there: StandIn) -> None:
    repository = _opened(there)
    repository.me = lambda: ME[there.forge]  # type: ignore[method-assign]
    there.faults = [Fault(500, method="POST") for _ in range(20)]

    with pytest.raises(ForgeError, match="no entry after 6 attempts"):
        upsert_comment(repository, 1, MARK, MARK, Waits())


def test_the_token_is_in_no_error_even_where_the_forge_quotes_it(there: StandIn) -> None:
    there.faults.append(Fault(401, body=f'{{"message": "who is {TOKEN}?"}}'))

    with pytest.raises(ForgeError, match=r"who is \[secret\]") as caught:
        _kept(there, "one")
    assert TOKEN not in str(caught.value)


def test_an_answer_in_another_shape_is_an_error_of_four_parts(there: StandIn) -> None:
    there.faults.append(Fault(200, body='{"data": []}', method="GET"))

    with pytest.raises(ForgeError, match="a response with another schema, at "):
        _opened(there).head(1)


def test_a_redirect_is_not_followed(there: StandIn) -> None:
    """The token is for the address that was named."""
    there.faults.append(Fault(307, {"Location": "https://elsewhere.test/"}))

    with pytest.raises(ForgeError, match=r"307.*elsewhere"):
        _opened(there).head(1)


def test_the_head_of_a_pull_request_is_its_commit(there: StandIn) -> None:
    assert _opened(there).head(1) == HEAD


def _issue(there: StandIn, text: str) -> str:
    return upsert_issue(_opened(there), MARK, f"title {text}", f"{MARK}\n{text}", Waits())


def test_an_issue_is_opened_updated_closed_and_opened_anew(there: StandIn) -> None:
    done = [_issue(there, "one"), _issue(there, "two"), _issue(there, "two")]
    closed = close_issues(_opened(there), MARK, f"{MARK}\nover")
    again = close_issues(_opened(there), MARK, f"{MARK}\nover")

    assert (done, closed, again) == (["created", "updated", "unchanged"], 1, 0)
    [issue] = there.issues
    assert (issue.title, issue.body, issue.open) == ("title two", f"{MARK}\nover", False)
    assert _issue(there, "three") == "created"
    assert [i.open for i in there.issues] == [False, True]


def test_an_issue_is_found_among_many_and_never_a_pull_request(there: StandIn) -> None:
    _issue(there, "one")
    for number in range(130):
        there.add("issue", "3" if there.forge is Forge.GITLAB else "someone", f"{MARK} {number}")
    if there.forge is Forge.GITHUB:
        there.issues.insert(0, there.issues[0].__class__(5, ME[there.forge], MARK, pull=True))

    assert _issue(there, "two") == "updated"
    assert [i.title for i in there.issues if i.author == ME[there.forge]][-1] == "title two"


def test_two_runs_leave_one_issue_open(there: StandIn) -> None:
    there.before_create = lambda: _issue(there, "other")

    assert _issue(there, "ours") == "created"
    assert [i.title for i in there.issues if i.open] == ["title ours"]
