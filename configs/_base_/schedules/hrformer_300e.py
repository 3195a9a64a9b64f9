# As adamw_cosine_300e.py, with 20 epochs of warm-up, and gradients clipped at a norm of 5, as
# HRFormer's authors train classifiers.
_base_ = ['./adamw_cosine_300e.py']

optim_wrapper = dict(clip_grad=dict(max_norm=5.0))
param_scheduler = [
    dict(_base_.param_scheduler[0], end=20),
    dict(_base_.param_scheduler[1], T_max=280, begin=20),
]
