// Package versions lists the versions of orak's workers and changes which of them gets
// tasks, for operators.
//
//	List    every build, what it gets, and who polls which queue for it
//	Change  a build becomes current, or gets a percentage of the uploads
//
// A change waits until the build serves every queue that the current one serves: tasks of
// a queue that it does not serve would otherwise wait for workers without a version.
package versions
