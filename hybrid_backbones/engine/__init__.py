"""What the tools do to a config before mmengine's Runner takes over, and after it."""
