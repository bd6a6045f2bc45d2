# A store that offers what a list cannot carry: no key is made of it, and a ring goes on without it.
given source bad,
0d app exists
1d source offers A
2d source offers bad,
3d owner sets revokeBefore 3d
4d source offers B
