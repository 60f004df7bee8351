"""The parts of ``scripts/soak.py``: what a run meets, its steps as processes, the judgment."""
