"""The access table of harvesting: everybody is told what anyone may know, and no more.

Which records that are is looked at in `tests/publication/oai`; here that none tells a secret.
"""

import matrix_expected as expected
from matrix_rules import FORM, Rule

TABLE: dict[str, Rule] = {
    "GET /oai": Rule(**expected.ANYONE, query="verb=ListRecords&metadataPrefix=oai_datacite"),
    "POST /oai": Rule(
        **expected.ANYONE, body="verb=ListIdentifiers&metadataPrefix=oai_dc", kind=FORM
    ),
}
