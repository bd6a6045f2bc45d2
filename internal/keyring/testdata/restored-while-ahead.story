# The clock was ahead when an older keyring was restored. What is read from the Secrets then is not revoked for a moment that was
# carried out before.
0d app exists
1d keyring is saved
2d owner sets revokeBefore 1h
3d operator stops
100d keyring is restored
100d operator starts
4d time passes
