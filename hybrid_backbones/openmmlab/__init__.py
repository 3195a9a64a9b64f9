"""All that knows MMDetection, MMSegmentation and MMPose."""
