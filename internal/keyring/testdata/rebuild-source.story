# A lost ring is rebuilt: what verifiers no longer trusted may have been revoked, so a source that goes back to it is not followed, however short the history.
given source A
given historyLimit 0
0d app exists
1d source offers B
10d time passes
11d keyring lost
12d source offers C
13d source offers A
