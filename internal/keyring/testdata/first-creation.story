# An app is created: one key, in both Secrets, from the first moment as a list.
0d app exists
+5s web-1 starts
+5s api-1 starts
