#!/usr/bin/env bash
# repair_torchvision.sh PYTHON: where torchvision's kernels do not load, let everybody's `import
# torchvision` work in that environment (hybrid_backbones repairs it for its own tools anyway).
set -euo pipefail
said=$("$1" -c 'import torchvision' 2>&1 || true)
if [[ $said == *'torchvision::nms does not exist'* ]]; then
    purelib=$("$1" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    cp hybrid_backbones/openmmlab/torchvision.py "$purelib/repair_torchvision.py"
    echo 'import repair_torchvision; repair_torchvision.repair_on_import()' \
        >"$purelib/repair_torchvision.pth"
fi
