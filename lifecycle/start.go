// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"
)

var errRegisterTimeout = errors.New("not listed within WithRegisterTimeout")

// Start announces the instance for programs and frameworks that call Serve themselves: the functions of
// WithBeforeRegister are called, health says SERVING, then every registrar is asked to register it under addr, then
// what operators do is watched. Call it when the server accepts connections: an instance must not be listed before it
// can answer.
//
// Start blocks until every registrar has shown the instance, and returns nil then; a drain by hand in between makes
// that later. While a registry is down it keeps trying. When ctx ends first, Start returns its cause and the
// registration goes on in the background. WithRegisterTimeout limits how long Start waits: the error names the
// registrar, and nothing is withdrawn until Shutdown. Start may be called once, and not after Run; once Shutdown has
// begun it returns ErrStopping.
//
// Three things are then up to the program.
//
// Serve returns when GracefulStop has begun (net/http) or ended (gRPC), and the offline goes on: hooks, registrars,
// with net/http also the calls in flight. A main function that ends with Serve cuts them off. Shutdown is shared by all
// its callers, so this waits for it, whoever has begun it:
//
//	return errors.Join(srv.Serve(lis), m.Shutdown(context.Background()))
//
// A connection that is stuck in its handshake holds GracefulStop for as long as grpc.ConnectionTimeout says, 120 s by
// default: serve on m.WatchHandshakes(lis).
//
// Drain leaves health Watches open and streams alone (AtWithdrawn tells them), so a GracefulStop of one's own waits for
// them: call Shutdown instead, or at the same time.
func (m *Manager) Start(ctx context.Context, addr net.Addr) error {
	return m.start(ctx, addr, false)
}

func (m *Manager) start(ctx context.Context, addr net.Addr, ofRun bool) error {
	if err := m.check(); err != nil {
		return err
	}
	if err := m.claimStart(ofRun); err != nil {
		return err
	}
	m.tellConfig()
	m.telemetry.observe(m.numbers, func(err error) { m.log.Warn("there are no metrics", "err", err) })
	if err := m.prepare(ctx); err != nil {
		return err
	}
	if err := m.announce(ctx, addr); err != nil {
		return err
	}
	if m.registerTimeout > 0 {
		timeout, cancel := context.WithTimeoutCause(ctx, m.registerTimeout, errRegisterTimeout)
		defer cancel()
		ctx = timeout
	}
	var errs []error
	for _, k := range m.reconcilers {
		err := k.awaitListed(ctx, m.begun)
		if errors.Is(err, ErrStopping) {
			return fmt.Errorf("lifecycle: start: %w", err)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("lifecycle: register with %s: %w", k.name, k.because(err)))
		}
	}
	return errors.Join(errs...)
}

// tellConfig shows what is in force, wherever it comes from.
func (m *Manager) tellConfig() {
	m.log.Info("configured", "policy", m.policy, "budget", m.budget, "settle", m.settleTime(), "quiet", m.quietTime(),
		"stream_grace", m.streamGrace, "successor", m.successor, "on_offline", m.registryOffline)
	if len(m.unknownEnv) > 0 {
		m.log.Warn("variables that nobody knows: typing errors?", "variables", m.unknownEnv)
	}
}

// claimStart makes this start the only one.
func (m *Manager) claimStart(ofRun bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.shutdown != nil:
		return fmt.Errorf("lifecycle: start: %w", ErrStopping)
	case m.running && !ofRun:
		return errors.New("lifecycle: start: Run was called before")
	case m.started:
		return errors.New("lifecycle: start: Start was called twice")
	}
	m.started = true
	return nil
}

func (m *Manager) announce(ctx context.Context, addr net.Addr) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.shutdown != nil {
		return fmt.Errorf("lifecycle: start: %w", ErrStopping)
	}
	m.announced = true
	if !m.causes.hand() {
		m.serve()
	}
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	m.stopWork = cancel
	for _, k := range m.reconcilers {
		m.work.Go(func() { k.run(work, addr) })
		m.work.Go(func() { m.watch(work, k) })
	}
	if m.successor > 0 && !slices.ContainsFunc(m.reconcilers, knowsOthers) {
		m.log.Warn("WithSuccessor waits for nobody: no registrar has the method Others")
	}
	if d := m.readyUnlisted; d != nil {
		m.work.Go(func() { m.readyUnlistedAfter(work, *d) })
	}
	return nil
}

// serve is called with the lock held, when the set of causes is empty. The listener serves and health says SERVING
// before any registry is asked: an instance is never listed before it can answer.
func (m *Manager) serve() {
	m.drain, m.drained, m.refusing = nil, time.Time{}, false
	if m.calls != nil {
		m.calls.Resume()
	}
	if !m.announced {
		m.setState(Starting)
		return
	}
	if m.health != nil {
		m.health.Resume()
	}
	m.setState(Serving)
	for _, k := range m.reconcilers {
		k.announce()
	}
}
