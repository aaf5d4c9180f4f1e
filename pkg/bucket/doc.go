// Package bucket brings a published apt archive to where it is served: a bucket of an S3-compatible store or of Google
// Cloud Storage, or another directory.
//
// A [Bucket] is written in the order in which the archive itself is (see [apt.Stage]): a client that reads while a push
// is under way, or after one that was killed, finds all that its InRelease names. Only what changed is written, and a
// push that was killed goes on where it was: what is there is told by its digest.
//
// Two who push at once never mix: one of them holds the lock, an object that is made and renewed by conditional writes,
// and each object is replaced only while it is the one that was seen. The lock of a pusher that died is taken over once
// it has not been renewed for a while; no clocks are compared. What a push no longer needs stays for some further pushes,
// for clients in the middle of an update; what others have put into the bucket is left alone.
//
// What lies under .kubedist/ in the bucket is for pushing alone and need not be readable by clients: the lock, and a
// record of what was pushed. The record saves asking for each object's digest. When it is lost, they are asked for.
//
// The package knows no index format and no signature. It never looks at the clock.
package bucket
