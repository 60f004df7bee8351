"""
SOQL, parsed and executed for real on columns.

``tokens`` and ``parser`` turn text into the tree of ``ast``; ``binder`` resolves names against what the
running user may see; ``filters``, ``aggregates`` and ``executor`` answer it on the Arrow tables of the world.
"""
