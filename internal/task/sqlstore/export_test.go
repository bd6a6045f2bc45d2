package sqlstore

// Forget is what purges, for the tests of what is stored.
var Forget = (*Store).forget
