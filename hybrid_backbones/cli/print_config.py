"""``hybrid-backbones print-config``."""

import argparse

from .arguments import add_all_classes, add_cfg_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('config', help='config file, name of a built-in config, or mmdet::...')
    parser.add_argument('--mini', action='store_true', help='as --mini changes it')
    add_all_classes(parser)
    add_cfg_options(parser)


def run(args: argparse.Namespace) -> None:
    from ..config.load import override
    from ..synthetic.shrink import apply_mini
    from ..zoo.configs import read_config

    cfg = read_config(args.config)
    apply_mini(cfg, args.mini, args.all_classes)
    override(cfg, args.cfg_options)
    print(cfg.pretty_text)
