//go:build !linux

package main

import "errors"

func mountSmall(string) (func() error, error) {
	return nil, errors.New("only Linux has the small file system this needs")
}
