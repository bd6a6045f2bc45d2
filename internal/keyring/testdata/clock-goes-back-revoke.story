# The clock was ahead when key 1 was made, so key 2 seems older. What revokes key 2 revokes what came before it.
given source A
0d operator stops
10d operator starts
5d source offers B
7d owner sets revokeBefore 6d
