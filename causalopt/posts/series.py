"""The posts, in the order in which they were written."""

from __future__ import annotations

from causalopt.posts import (
    knowledge_hypotheses,
    knowledge_localization,
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
        knowledge_hypotheses,
        knowledge_localization,
        optimization_1,
        optimization_2,
        optimization_3,
        optimization_4,
    )
}
