# The clock was ahead when the keyring and the frontend's Secret were lost. No key is revoked for a moment that was carried out
# before, although the rebuilt ring has a version that was made later.
0d app exists
2d owner sets revokeBefore 1h
3d operator stops
100d keyring is lost
100d frontend is lost
100d operator starts
4d time passes
