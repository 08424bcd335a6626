"""The film of a training: one page with a slider over the updates."""
