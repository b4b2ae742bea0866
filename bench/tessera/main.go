// Appends entries to a log of Tessera's POSIX storage from many writers, and prints one line of JSON: how many durable
// appends a second, and how long one takes. An append counts once its place in the tree is on disk: Tessera's future
// has resolved. A batch is as large as there are writers, so that none waits for the library's default of 250 ms.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sort"
	"sync"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

var (
	dir     = flag.String("dir", "", "empty directory for the log")
	writers = flag.Int("writers", 1, "writers at once; each waits for its append before the next")
	entries = flag.Int("entries", 1000, "appends of all writers together")
	size    = flag.Int("size", 1024, "bytes of an entry")
)

func main() {
	flag.Parse()
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "tessera:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	secret, _, err := note.GenerateKey(rand.Reader, "bench.example/tessera")
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return err
	}
	driver, err := posix.New(ctx, posix.Config{Path: *dir})
	if err != nil {
		return err
	}
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithBatching(uint(*writers), 5*time.Millisecond)
	appender, shutdown, _, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return err
	}
	each := *entries / *writers
	taken := make([][]time.Duration, *writers)
	failed := make([]error, *writers)
	began := time.Now()
	var all sync.WaitGroup
	for writer := range *writers {
		all.Add(1)
		go func() {
			defer all.Done()
			taken[writer], failed[writer] = appends(ctx, appender, each)
		}()
	}
	all.Wait()
	elapsed := time.Since(began)
	var durations []time.Duration
	for writer := range *writers {
		if failed[writer] != nil {
			return failed[writer]
		}
		durations = append(durations, taken[writer]...)
	}
	if err := shutdown(ctx); err != nil {
		return err
	}
	sort.Slice(durations, func(a, b int) bool { return durations[a] < durations[b] })
	at := func(percent int) float64 {
		rank := max((len(durations)*percent+99)/100, 1)
		return durations[rank-1].Seconds() * 1000
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"appends":       len(durations),
		"appends_per_s": float64(len(durations)) / elapsed.Seconds(),
		"p50_ms":        at(50),
		"p99_ms":        at(99),
	})
}

// appends adds random entries one after the other, waiting for each.
func appends(ctx context.Context, appender *tessera.Appender, count int) ([]time.Duration, error) {
	taken := make([]time.Duration, 0, count)
	for range count {
		entry := make([]byte, *size)
		if _, err := rand.Read(entry); err != nil {
			return nil, err
		}
		began := time.Now()
		if _, err := appender.Add(ctx, tessera.NewEntry(entry))(); err != nil {
			return nil, err
		}
		taken = append(taken, time.Since(began))
	}
	return taken, nil
}
