"""All that knows MMDetection, MMSegmentation, MMPose and MMPretrain."""
