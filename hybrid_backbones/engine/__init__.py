"""What the command-line tools do to a config before mmengine's Runner takes over."""

import warnings

# OpenMMLab's packages still ask for pkg_resources, and each says so on the terminal
warnings.filterwarnings('ignore', message='pkg_resources is deprecated')
