"""What comes back for one question, by when."""

import threading
import time

from panosc.federation.live.answer import HERE
from panosc.federation.live.posting import Post


def test_this_nodes_own_answer_is_waited_for_and_no_other() -> None:
    post = Post(0.05, patience_s=30.0)
    post.need(HERE)
    post.expect(2)
    post.put("quick", 1)
    timer = threading.Timer(0.3, post.put, (HERE, 2))
    timer.start()
    begun = time.monotonic()
    found = list(post.received())
    took = time.monotonic() - begun
    timer.join()
    assert found == [("quick", 1), (HERE, 2)]
    assert 0.25 < took < 20
