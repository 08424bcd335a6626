"""The posts, in the order in which they were written."""

from __future__ import annotations

from causalopt.posts import (
    optimization_1,
    optimization_2,
    optimization_3,
    optimization_4,
    probability_current,
    sgd_model,
)
from causalopt.posts.post import Post

POSTS: dict[str, Post] = {
    module.POST.id: module.POST
    for module in (
        sgd_model,
        probability_current,
        optimization_1,
        optimization_2,
        optimization_3,
        optimization_4,
    )
}
# The two posts between, on knowledge in networks, stand here once the network models do.
LATER = {
    "Hypotheses about Finding Knowledge and One-Shot Causal Entanglements": "its hypotheses are "
    "tested by the post after it",
    "Knowledge Localization: Tentatively Positive Results on OCR": "its network and its four "
    "forked worlds come with the network models",
}
