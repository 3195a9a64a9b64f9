"""Print a config with all it inherits: python tools/print_config.py CONFIG."""

from argparse import Namespace
from pathlib import Path

from hybrid_backbones.cli.arguments import KeyValues, Parser, run
from hybrid_backbones.config.load import load_config, override
from hybrid_backbones.synthetic import shrink_config
from hybrid_backbones.synthetic.shrink import MINI_ROOT


def parse_args() -> Namespace:
    parser = Parser(description='Print a config with all it inherits')
    parser.add_argument('config', help='config file')
    parser.add_argument('--mini', action='store_true', help='as --mini makes it')
    parser.add_argument('--cfg-options', nargs='+', action=KeyValues, metavar='KEY=VALUE')
    return parser.parse_args(namespace=Namespace(local_rank=0))


def print_config(args: Namespace) -> None:
    cfg = load_config(args.config)
    if args.mini:
        shrink_config(cfg, Path(MINI_ROOT))
    override(cfg, args.cfg_options)
    print(cfg.pretty_text)


if __name__ == '__main__':
    run(parse_args, print_config)
