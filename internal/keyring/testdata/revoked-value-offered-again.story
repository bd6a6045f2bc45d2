# A revoked value comes back from the store: after the ring has pruned everything else, and after it was lost.
given source A
given historyLimit 0
0d app exists
1d owner sets revokeBefore 1d
+1s source offers B
10d source offers C
20d source offers D
30d source offers A
31d keyring is lost
32d source offers E
