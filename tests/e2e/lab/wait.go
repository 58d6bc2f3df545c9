package lab

import (
	"context"
	"errors"
	"fmt"
	"time"
)

type final struct{ error }

func (f final) Unwrap() error { return f.error }

// Final marks an error that waiting longer cannot cure.
func Final(err error) error { return final{err} }

// Wait asks until the answer is no error, or the time is up; then it returns the last error.
func Wait(within, pause time.Duration, ask func() error) error {
	begin := time.Now()
	for {
		err := ask()
		var stop final
		if err == nil || errors.As(err, &stop) {
			return err
		}
		if time.Since(begin) >= within {
			return fmt.Errorf("not within %s: %w", within, err)
		}
		time.Sleep(pause)
	}
}

// Hold asks again and again for the whole time; the first error ends it.
func Hold(span, pause time.Duration, ask func() error) error {
	begin := time.Now()
	for time.Since(begin) < span {
		if err := ask(); err != nil {
			return fmt.Errorf("after %s: %w", time.Since(begin).Round(time.Second), err)
		}
		time.Sleep(pause)
	}
	return nil
}

// pause sleeps, but not beyond the end of the context.
func pause(ctx context.Context, span time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(span):
	}
}
