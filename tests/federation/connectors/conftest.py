"""Failed assertions of the conformance suite tell what they compared."""

import pytest

pytest.register_assert_rewrite("conformance")
