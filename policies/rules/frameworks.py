"""Sections of published guides that rules refer to; no claim of compliance."""

from collections.abc import Mapping

PSS_BASELINE = "PSS baseline"
PSS_RESTRICTED = "PSS restricted"
NSA_PODS = "NSA/CISA: Kubernetes Pod security"
NSA_NETWORK = "NSA/CISA: Network separation and hardening"
NSA_ACCESS = "NSA/CISA: Authentication and authorization"
NSA_UPGRADES = "NSA/CISA: Upgrading and application security practices"
ANSSI = "ANSSI-FT-082"
SNC_CRYPTO = "SecNumCloud 3.2 §10"
SNC_OPERATION = "SecNumCloud 3.2 §12"
SNC_NETWORK = "SecNumCloud 3.2 §13"
RGPD_32 = "RGPD art. 32"
RGPD_44 = "RGPD art. 44"

SOURCES: Mapping[str, str] = {
    "PSS": "Pod Security Standards, kubernetes.io/docs/concepts/security/pod-security-standards",
    "CIS": "CIS Kubernetes Benchmark 1.9, section 5, as kube-bench `cfg/cis-1.9/policies.yaml`"
    " numbers it",
    "NSA/CISA": "Kubernetes Hardening Guide 1.2 (August 2022), by chapter",
    "ANSSI-FT-082": "Recommandations de sécurité relatives au déploiement de conteneurs Docker"
    " (2020): isolation, privileges, resources and read-only file systems of containers",
    "SecNumCloud": "ANSSI, Prestataires de services d'informatique en nuage, référentiel 3.2, by"
    " chapter: 10 Cryptologie, 12 Sécurité liée à l'exploitation, 13 Sécurité des communications",
    "RGPD": "Règlement (UE) 2016/679: article 32 sécurité du traitement, article 44 transferts",
}
"""Source of each prefix."""


def cis(*sections: str) -> tuple[str, ...]:
    """Sections of the CIS Kubernetes Benchmark."""
    return tuple(f"CIS {section}" for section in sections)
