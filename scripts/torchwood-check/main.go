// Checks a cosigned checkpoint against a C2SP tlog-policy with torchwood, for tests of what our witness and our log
// sign: torchwood-check POLICY NOTE prints the size and exits with 0, or says what is wrong and exits with 1.
package main

import (
	"fmt"
	"os"

	"filippo.io/torchwood"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: torchwood-check POLICY NOTE")
		os.Exit(2)
	}
	if err := check(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check(policyFile, noteFile string) error {
	policyText, err := os.ReadFile(policyFile)
	if err != nil {
		return err
	}
	note, err := os.ReadFile(noteFile)
	if err != nil {
		return err
	}
	policy, err := torchwood.ParsePolicy(policyText)
	if err != nil {
		return err
	}
	checkpoint, _, err := torchwood.VerifyCheckpoint(note, policy)
	if err != nil {
		return err
	}
	fmt.Println(checkpoint.N)
	return nil
}
