// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// heedAgent waits until an agent-check that may undo the drain has had its turn. What it has said last HAProxy shows
// where it was "up" or "down", alone or with more; "ready" alone is only "CHECKED".
func (r *Registrar) heedAgent(ctx context.Context, b *balancer, s server) error {
	word, err := r.agentWord(ctx, b, s)
	if err == nil && word != "" && !strings.Contains(word, stateReady) {
		return nil
	}
	for began := time.Now(); time.Since(began) < agentTurn; {
		if pause(ctx, pollPause); ctx.Err() != nil {
			return context.Cause(ctx)
		}
		now, found, err := r.look(ctx, b)
		if err != nil || !found {
			continue // the drain was seen; the keeper goes on
		}
		if now.absent() {
			continue
		}
		r.mu.Lock()
		b.published = true
		r.mu.Unlock()
		_, err = r.set(ctx, b, now, stateDrain)
		return errors.Join(fmt.Errorf("%s: %w", r.what(s), errAgentUndoes), err)
	}
	return nil
}

var errAgentUndoes = errors.New(`its agent-check undoes the drain: it says "ready"; let it say "up"`)

// agentWord is the last word of the server's agent-check as "show stat" has it: "up", "down ready"; empty where it does
// not tell.
func (r *Registrar) agentWord(ctx context.Context, b *balancer, s server) (string, error) {
	reply, _, err := b.ask(ctx, "show stat "+r.backend+" 4 -1") // 4: servers, -1: all of them
	if err != nil {
		return "", err
	}
	lines := csv.NewReader(strings.NewReader(strings.TrimPrefix(reply, "# ")))
	lines.FieldsPerRecord = -1
	rows, err := lines.ReadAll()
	if err != nil || len(rows) == 0 {
		return "", fmt.Errorf("show stat: %s: %w", abridged(reply), errCut)
	}
	cell := func(row []string, column string) string {
		if i := slices.Index(rows[0], column); i >= 0 && i < len(row) {
			return row[i]
		}
		return ""
	}
	for _, row := range rows[1:] {
		if cell(row, "svname") == s.name {
			_, word, _ := strings.Cut(cell(row, "last_agt"), "via agent : ")
			return word, nil
		}
	}
	return "", nil
}
