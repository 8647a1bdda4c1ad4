"""The node described for registries: re3data (schema 2.2), the EOSC catalogue, RFC 9727.

Made of what the node knows of itself. What only people know - the country, who pays - is left
to whoever registers it.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from xml.etree import ElementTree as ET

from panosc.publication.record import Address
from panosc.settings import Settings

SCHEMA: Final = "http://www.re3data.org/schema/2-2"
_CC0: Final = "https://creativecommons.org/publicdomain/zero/1.0/"
_STANDARDS: Final = (
    ("DataCite Metadata Schema", "datacite-metadata-schema"),
    ("DCAT - Data Catalog Vocabulary", "dcat-data-catalog-vocabulary"),
    ("Dublin Core", "dublin-core"),
    ("CSMD-CCLRC Core Scientific Metadata Model", "csmd-cclrc-core-scientific-metadata-model"),
)
_DCC: Final = "http://www.dcc.ac.uk/resources/metadata-standards/"
_SUBJECTS: Final = ("3 Natural Sciences", "32 Physics", "307 Condensed Matter Physics")
_KEYWORDS: Final = ("photon science", "neutron science", "NeXus", "HDF5")
_WORLDWIDE: Final = "AAA"
"""What re3data writes where no country is said."""
Tree = tuple[str, Mapping[str, str], "str | list[Tree]"]


def description(facility: str) -> str:
    """Return one sentence on what the node is."""
    return (
        f"Data of experiments with photons and neutrons at {facility}, with their metadata: "
        "found, seen, downloaded and cited from here. What is under embargo opens by itself."
    )


def re3data(settings: Settings, address: Address, today: date) -> bytes:
    """Return the node as re3data describes repositories."""
    root = ET.Element("r3d:re3data", {"xmlns:r3d": SCHEMA})
    _grow(root, [("repository", {}, _repository(settings, address, today))])
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _repository(settings: Settings, address: Address, today: date) -> list[Tree]:
    english = {"language": "eng"}
    name = f"Open data of {settings.facility}"
    contact = settings.contact.removeprefix("mailto:") if settings.contact else None
    licence: list[Tree] = [
        ("databaseLicenseName", {}, "CC0"),
        ("databaseLicenseURL", {}, _CC0),
    ]
    return [
        ("re3data.orgIdentifier", {}, "none"),
        ("repositoryName", english, name),
        ("repositoryURL", {}, address("/")),
        ("description", english, description(settings.facility)),
        *([("repositoryContact", {}, contact)] if contact else []),
        ("type", {}, "disciplinary"),
        ("type", {}, "institutional"),
        ("repositoryLanguage", {}, "eng"),
        *(("subject", {"subjectScheme": "DFG"}, text) for text in _SUBJECTS),
        ("contentType", {"contentTypeScheme": "parse"}, "Raw data"),
        (
            "contentType",
            {"contentTypeScheme": "parse"},
            "Scientific and statistical data formats",
        ),
        ("providerType", {}, "dataProvider"),
        ("providerType", {}, "serviceProvider"),
        *(("keyword", {}, text) for text in _KEYWORDS),
        ("institution", {}, _institution(settings)),
        ("policy", {}, [("policyName", {}, "Data policy"), ("policyURL", {}, address("/policy"))]),
        ("databaseAccess", {}, [("databaseAccessType", {}, "open")]),
        ("databaseLicense", {}, licence),
        ("dataAccess", {}, [("dataAccessType", {}, "open")]),
        ("dataAccess", {}, [("dataAccessType", {}, "embargoed")]),
        (
            "dataLicense",
            {},
            [("dataLicenseName", {}, "other"), ("dataLicenseURL", {}, address("/policy"))],
        ),
        (
            "dataUpload",
            {},
            [
                ("dataUploadType", {}, "restricted"),
                ("dataUploadRestriction", {}, "institutional membership"),
            ],
        ),
        ("software", {}, [("softwareName", {}, "other")]),
        ("versioning", {}, "yes"),
        ("api", {"apiType": "OAI-PMH"}, address("/oai")),
        ("api", {"apiType": "REST"}, address("/panosc-api")),
        ("pidSystem", {}, "DOI" if settings.datacite_account else "other"),
        ("citationGuidelineURL", {}, address("/about")),
        ("aidSystem", {}, "ORCID"),
        ("enhancedPublication", {}, "yes"),
        ("qualityManagement", {}, "yes"),
        *(("metadataStandard", {}, _standard(*named)) for named in _STANDARDS),
        ("syndication", {"syndicationType": "ATOM"}, address("/search.atom")),
        ("entryDate", {}, today.isoformat()),
        ("lastUpdate", {}, today.isoformat()),
    ]


def _institution(settings: Settings) -> list[Tree]:
    lines: list[Tree] = [
        ("institutionName", {"language": "eng"}, settings.facility),
        ("institutionCountry", {}, _WORLDWIDE),
        ("responsibilityType", {}, "general"),
        ("responsibilityType", {}, "technical"),
        ("institutionType", {}, "non-profit"),
    ]
    ror = _ror(settings)
    return [*lines, ("institutionIdentifier", {}, ror)] if ror else lines


def _standard(name: str, page: str) -> list[Tree]:
    return [
        ("metadataStandardName", {"metadataStandardScheme": "DCC"}, name),
        ("metadataStandardURL", {}, _DCC + page),
    ]


def _grow(parent: ET.Element, lines: list[Tree]) -> None:
    for name, attributes, content in lines:
        child = ET.SubElement(parent, f"r3d:{name}", dict(attributes))
        if isinstance(content, str):
            child.text = content
        else:
            _grow(child, content)


def eosc(settings: Settings, address: Address) -> dict[str, Any]:
    """Return the node in the words of the EOSC catalogue: service and data source profiles.

    Names of fields and terms are those of the EOSC provider portal (profiles 5).
    """
    policy = address("/policy")
    return {
        "name": f"Open data of {settings.facility}",
        "abbreviation": settings.facility,
        "resourceOrganisation": {"name": settings.facility, "ror": _ror(settings)},
        "webpage": address("/"),
        "description": description(settings.facility),
        "tagline": "Photon and neutron data that can be found, seen and cited",
        "scientificDomains": [
            {
                "scientificDomain": "scientific_domain-natural_sciences",
                "scientificSubdomain": "scientific_subdomain-natural_sciences-physical_sciences",
            }
        ],
        "categories": [
            {
                "category": "category-sharing_and_discovery-data",
                "subcategory": "subcategory-sharing_and_discovery-data-scientific_research_data",
            }
        ],
        "targetUsers": ["target_user-researchers"],
        "accessTypes": ["access_type-remote"],
        "accessModes": ["access_mode-free"],
        "tags": list(_KEYWORDS),
        "geographicalAvailabilities": ["WW"],
        "languageAvailabilities": ["en"],
        "orderType": "order_type-open_access",
        "openSourceTechnologies": ["panosc"],
        "standards": ["DataCite 4.5", "DCAT-AP 3.0.1", "OAI-PMH 2.0", "RO-Crate 1.2", "NeXus"],
        "helpdeskEmail": settings.contact,
        "securityContactEmail": settings.security_contact,
        "userManual": address("/search/help"),
        "accessPolicy": policy,
        "privacyPolicy": address("/privacy"),
        "datasource": _datasource(settings, address),
    }


def _datasource(settings: Settings, address: Address) -> dict[str, Any]:
    scheme = "doi" if settings.datacite_account else "url"
    entity = "ds_persistent_identity_entity_type-research_data"
    return {
        "datasourceClassification": "ds_classification-repository",
        "jurisdiction": "ds_jurisdiction-institutional",
        "researchEntityTypes": ["ds_research_entity_type-research_data"],
        "thematic": True,
        "versionControl": True,
        "submissionPolicyURL": address("/policy"),
        "preservationPolicyURL": address("/policy"),
        "persistentIdentitySystems": [
            {
                "persistentIdentityEntityType": entity,
                "persistentIdentityEntityTypeSchemes": [f"ds_persistent_identity_scheme-{scheme}"],
            }
        ],
        "researchProductAccessPolicies": [
            "ds_coar_access_rights_1_0-open_access",
            "ds_coar_access_rights_1_0-embargoed_access",
        ],
        "researchProductMetadataAccessPolicies": ["ds_coar_access_rights_1_0-open_access"],
        "researchProductMetadataLicensing": {
            "researchProductMetadataLicenseName": "CC0-1.0",
            "researchProductMetadataLicenseURL": _CC0,
        },
        "harvesting": {
            "oaiPmh": address("/oai"),
            "dcat": address("/dcat"),
            "sitemap": address("/sitemap.xml"),
            "re3data": address("/about/re3data.xml"),
        },
    }


def api_catalog(address: Address) -> dict[str, Any]:
    """Return the APIs of the node as RFC 9727 lists them: a linkset (RFC 9264)."""
    document, page = "application/json", {"href": address("/api"), "type": "text/html"}
    return {
        "linkset": [
            {
                "anchor": address("/.well-known/api-catalog"),
                "item": [{"href": address(path)} for path in ("/panosc-api", "/oai", "/dcat")],
            },
            {
                "anchor": address("/panosc-api"),
                "service-desc": [{"href": address("/api/openapi.json"), "type": document}],
                "service-doc": [page],
                "status": [{"href": address("/-/health"), "type": document}],
            },
            {
                "anchor": address("/oai"),
                "service-desc": [{"href": address("/oai?verb=Identify"), "type": "text/xml"}],
                "service-doc": [page],
            },
            {
                "anchor": address("/dcat"),
                "service-desc": [{"href": address("/.well-known/void"), "type": "text/turtle"}],
                "service-doc": [page],
            },
        ]
    }


def _ror(settings: Settings) -> str | None:
    given = settings.facility_ror
    return f"https://ror.org/{given.removeprefix('https://ror.org/')}" if given else None
