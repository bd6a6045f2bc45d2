# The keyring is lost while a revocation is due: it stays unproven until the owner asks for another. A record proves that one.
0d app exists
+1m api-1 starts
+1m web-1 starts
1d operator stops
+0s owner sets revokeBefore 1d
+1s keyring is lost
+1m operator starts
# The keyring is lost again: the rebuilt Secrets prove nothing either.
+1h keyring is lost
# A moment before the keyring was rebuilt is as much in doubt.
+1m owner sets revokeBefore 1d+1m
+1m owner sets revokeBefore 1d+2h
+1h api-1 learns
+1s web-2 starts
+1s web-1 stops
+1h keyring is lost
