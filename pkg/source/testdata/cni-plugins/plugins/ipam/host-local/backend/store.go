// Package backend is no plugin, though it lies below one.
package backend
