"""The parts of autoarray's log evidence that rounding spoils, each as `patch` replaces it."""
