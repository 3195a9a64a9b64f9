"""What a backbone costs."""

from .backbone import count_flops, count_parameters

__all__ = ['count_flops', 'count_parameters']
