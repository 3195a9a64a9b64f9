"""The operators as loops over their definitions, for a few numbers at a time."""

import math

import numpy as np


def overlap(a, b, offset=0):
    """Intersection over union of two boxes."""
    w = max(min(a[2], b[2]) - max(a[0], b[0]) + offset, 0)
    h = max(min(a[3], b[3]) - max(a[1], b[1]) + offset, 0)
    areas = [(each[2] - each[0] + offset) * (each[3] - each[1] + offset) for each in (a, b)]
    return w * h / (sum(areas) - w * h)


def nms(boxes, scores, threshold, offset=0):
    kept = []
    for n in scores.sort(descending=True).indices.tolist():  # equal ones in any order
        if all(overlap(boxes[n], boxes[k], offset) <= threshold for k in kept):
            kept.append(n)
    return kept


def bilinear(image, y, x):
    """Of a map (H, W), zeros around it."""
    top, left = math.floor(y), math.floor(x)
    value = 0.0
    for row, row_share in ((top, top + 1 - y), (top + 1, y - top)):
        for column, share in ((left, left + 1 - x), (left + 1, x - left)):
            if 0 <= row < image.shape[0] and 0 <= column < image.shape[1]:
                value += image[row, column] * row_share * share
    return value


def roi_align(maps, rois, size, scale, ratio, mode, aligned):
    height, width = maps.shape[2:]
    out = np.zeros((len(rois), maps.shape[1], size, size))
    for r, roi in enumerate(rois):
        x1, y1, x2, y2 = (each * scale - 0.5 * aligned for each in roi[1:])
        w, h = x2 - x1, y2 - y1
        if not aligned:
            w, h = max(w, 1), max(h, 1)
        ny, nx = (ratio or math.ceil(h / size)), (ratio or math.ceil(w / size))
        for c, p, q in np.ndindex(out.shape[1:]):
            values = []
            for i, j in np.ndindex(ny, nx):
                y = y1 + (p + (i + 0.5) / ny) * h / size
                x = x1 + (q + (j + 0.5) / nx) * w / size
                if -1 <= y <= height and -1 <= x <= width:  # at the edge, its value
                    at = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
                    values.append(bilinear(maps[int(roi[0]), c], *at))
                else:
                    values.append(0.0)
            if values:
                out[r, c, p, q] = max(values) if mode == 'max' else sum(values) / len(values)
    return out


def roi_pool(maps, rois, size, scale):
    height, width = maps.shape[2:]
    out = np.zeros((len(rois), maps.shape[1], size, size))
    for r, roi in enumerate(rois):
        x1, y1 = roi[1] * scale, roi[2] * scale
        w, h = (roi[3] + 1) * scale - x1, (roi[4] + 1) * scale - y1
        for c, p, q in np.ndindex(out.shape[1:]):
            rows = range(
                max(math.floor(y1 + p * h / size), 0),
                min(math.ceil(y1 + (p + 1) * h / size), height),
            )
            columns = range(
                max(math.floor(x1 + q * w / size), 0),
                min(math.ceil(x1 + (q + 1) * w / size), width),
            )
            cells = [maps[int(roi[0]), c, i, j] for i in rows for j in columns]
            out[r, c, p, q] = max(cells, default=0)
    return out


def deform_conv(x, offset, mask, weight, stride, padding, dilation, groups, deform_groups):
    n, channels, height, width = x.shape
    taps = weight.shape[2] * weight.shape[3]
    out = np.zeros((n, len(weight), *offset.shape[2:]))
    offset = offset.reshape(n, deform_groups, taps, 2, *offset.shape[2:])
    for b, o, p, q in np.ndindex(out.shape):
        group = o // (len(weight) // groups)
        for c in range(weight.shape[1]):
            channel = group * weight.shape[1] + c
            d = channel // (channels // deform_groups)
            for k in range(taps):
                i, j = divmod(k, weight.shape[3])
                y = p * stride - padding + i * dilation + offset[b, d, k, 0, p, q]
                z = q * stride - padding + j * dilation + offset[b, d, k, 1, p, q]
                if y > -1 and z > -1 and y < height and z < width:
                    value = bilinear(x[b, channel], y, z)
                    if mask is not None:
                        value *= mask[b, d * taps + k, p, q]
                    out[b, o, p, q] += weight[o, c, i, j] * value
    return out


def carafe(x, kernels, size, groups, scale):
    n, channels, height, width = x.shape
    out = np.zeros((n, channels, height * scale, width * scale))
    for b, c, p, q in np.ndindex(out.shape):
        group = c // (channels // groups)
        for i, j in np.ndindex(size, size):
            y, z = p // scale + i - size // 2, q // scale + j - size // 2
            if 0 <= y < height and 0 <= z < width:
                kernel = kernels[b, (group * size + i) * size + j, p, q]
                out[b, c, p, q] += x[b, c, y, z] * kernel
    return out


def psa_mask(x, collect, mask_height, mask_width):
    n, _, height, width = x.shape
    out = np.zeros((n, height, width, height, width))
    for b, i, j, p, q in np.ndindex(n, mask_height, mask_width, height, width):
        y, z = p + i - (mask_height - 1) // 2, q + j - (mask_width - 1) // 2
        if 0 <= y < height and 0 <= z < width:
            at = (y, z, p, q) if collect else (p, q, y, z)
            out[(b, *at)] = x[b, i * mask_width + j, p, q]
    return out.reshape(n, height * width, height, width)
