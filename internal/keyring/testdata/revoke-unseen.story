# The frontend runs where its pods cannot be seen. A revocation is complete once it has had its time to drop the key.
given interval 0s
0d app exists
+1s frontend is unseen
2d owner sets revokeBefore 2d
+59m time passes
+1m time passes
