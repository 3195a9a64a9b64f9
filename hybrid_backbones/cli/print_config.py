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
    from ..errors import ConfigError
    from ..synthetic.shrink import MINI_ROOT, shrink_config
    from ..zoo.configs import read_config

    cfg = read_config(args.config)
    if args.all_classes and not args.mini:
        raise ConfigError('`all_classes` is a setting of `mini=True`')
    if args.mini:
        shrink_config(cfg, MINI_ROOT, all_classes=args.all_classes)
    override(cfg, args.cfg_options)
    print(cfg.pretty_text)
