"""What the real operators ask of the Secrets and images that a Tenant or a Cluster names."""

import re
from base64 import b64decode
from collections.abc import Iterable

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from sim.api import Api, Object
from sim.operators import minio
from sim.operators.objects import collection

_AUTHORITY = "ca.crt"
_OLDEST_POSTGRES = 13
_TRUSTED = ("public.crt", "tls.crt", _AUTHORITY)
"""Keys of a Secret whose certificates MinIO's operator trusts."""


def tenant_problem(api: Api, tenant: Object) -> str:
    """Why MinIO's operator cannot ask *tenant* for its health; empty if it can.

    It trusts the authorities of the system, of the cluster, and of Secrets in its own namespace
    that have the prefix (minio/operator v7.1.1, pkg/controller/operator.go:106-132). Of these only
    the last exist here. Certificates that it requests itself are the cluster's.
    """
    spec, namespace = tenant["spec"], tenant["metadata"]["namespace"]
    given = spec.get("externalCertSecret", [])
    if not given:
        return ""
    served = _certificates(_data(api, namespace, given[0]["name"]), ("tls.crt", "public.crt"))
    if not served:
        return f"Secret {given[0]['name']} holds no certificate"
    secrets = api.items(collection("Secret", minio.NAMESPACE))
    pool = [
        certificate
        for secret in secrets
        if secret["metadata"]["name"].startswith(minio.TRUSTED_PREFIX)
        for certificate in _certificates(secret.get("data", {}), _TRUSTED)
    ]
    if not _is_issued(served[0], pool):
        return "x509: certificate signed by unknown authority"
    host = f"minio.{namespace}.svc.cluster.local"
    return "" if host in _hosts(served[0]) else f"x509: certificate is not valid for {host}"


def cluster_problem(api: Api, cluster: Object) -> str:
    """Why CloudNativePG cannot create the objects of *cluster*; empty if it can.

    An image whose tag is no version, which its webhook refuses; missing certificate Secrets, or a
    server certificate of another authority (cloudnative-pg v1.27.0,
    internal/webhook/v1/cluster_webhook.go:803-840, internal/controller/cluster_pki.go:39-61 and
    229-260). A missing `initdb.secret` is not among them: the owner is left without a password and
    the Cluster becomes ready (internal/management/controller/instance_controller.go:1275-1278).
    Nor is a missing StorageClass, for which the claims wait by themselves.
    """
    return _image_problem(cluster) or _certificate_problem(api, cluster)


def _image_problem(cluster: Object) -> str:
    image = cluster["spec"].get("imageName", "").partition("@")[0]
    if not cluster["spec"].get("imageName"):
        return ""  # the operator's own
    tag = image.rpartition("/")[2].partition(":")[2]
    if tag in ("", "latest"):
        got = "'latest' as image tag" if tag else "just the image sha"
        return f"spec.imageName: Can't use {got} as we can't detect upgrades"
    version = re.match(r"\d+", tag)
    if not version:
        return "spec.imageName: invalid version tag"
    if int(version[0]) < _OLDEST_POSTGRES:
        return "spec.imageName: Unsupported PostgreSQL version"
    return ""


def _certificate_problem(api: Api, cluster: Object) -> str:
    namespace = cluster["metadata"]["namespace"]
    names = cluster["spec"].get("certificates", {})
    found: dict[str, Object] = {}
    for field, what in (("serverCASecret", "server CA"), ("serverTLSSecret", "server TLS")):
        name = names.get(field)
        if name:
            found[field] = _data(api, namespace, name)
            if not found[field]:
                return f"missing specified {what} secret {name}"
    if len(found) < 2:  # noqa: PLR2004 - the operator issues what is not given
        return ""
    authority = _certificates(found["serverCASecret"], [_AUTHORITY])
    if not authority:
        return f"missing {_AUTHORITY} secret data"
    served = _certificates(found["serverTLSSecret"], ["tls.crt"])
    if not served or not _is_issued(served[0], authority):
        return "x509: certificate signed by unknown authority"
    return ""


def _data(api: Api, namespace: str, name: str) -> Object:
    secret = api.get(f"{collection('Secret', namespace)}/{name}") or {}
    data: Object = secret.get("data", {})
    return data


def _certificates(data: Object, keys: Iterable[str]) -> list[x509.Certificate]:
    return [
        certificate
        for key in keys
        if key in data
        for certificate in x509.load_pem_x509_certificates(b64decode(data[key]))
    ]


def _is_issued(certificate: x509.Certificate, pool: Iterable[x509.Certificate]) -> bool:
    return certificate in pool or any(_issued_by(certificate, each) for each in pool)


def _issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _hosts(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return names.value.get_values_for_type(x509.DNSName)
