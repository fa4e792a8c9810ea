//go:build !(goexperiment.simd && amd64)

package analysis

// fastest returns the kernels to use on this machine.
func fastest() kernels { return plainKernels() }
