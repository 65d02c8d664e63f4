// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// maxListed is how many services List answers for, as in grpc-go 1.85.
const maxListed = 100

// service answers the RPCs of grpc.health.v1. It is apart from Server so that Server's methods are
// those of its owner only.
type service struct {
	healthpb.UnimplementedHealthServer
	server *Server
}

// Check answers the status now, NOT_FOUND for a service that was never set.
func (s *service) Check(_ context.Context, req *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	st, known := s.server.checked(req.GetService())
	if !known {
		return nil, status.Error(codes.NotFound, "unknown service")
	}
	return &healthpb.HealthCheckResponse{Status: st}, nil
}

// List answers the status of every known service, RESOURCE_EXHAUSTED when they are more than maxListed.
func (s *service) List(context.Context, *healthpb.HealthListRequest) (*healthpb.HealthListResponse, error) {
	statuses := s.server.all()
	if len(statuses) > maxListed {
		return nil, status.Errorf(codes.ResourceExhausted, "more than %d services to list", maxListed)
	}
	list := make(map[string]*healthpb.HealthCheckResponse, len(statuses))
	for name, st := range statuses {
		list[name] = &healthpb.HealthCheckResponse{Status: st}
	}
	return &healthpb.HealthListResponse{Statuses: list}, nil
}

// Watch sends the status and then every change of it, SERVICE_UNKNOWN for a service that was never
// set, until the client goes or EndWatches. A slow reader misses what lay between, never the newest.
func (s *service) Watch(req *healthpb.HealthCheckRequest, stream grpc.ServerStreamingServer[healthpb.HealthCheckResponse]) error {
	sent := healthpb.HealthCheckResponse_ServingStatus(-1)
	for {
		st, changed, ended := s.server.look(req.GetService())
		if ended {
			return nil
		}
		if st != sent {
			if err := stream.Send(&healthpb.HealthCheckResponse{Status: st}); err != nil {
				return err
			}
			sent = st
		}
		select {
		case <-changed:
		case <-stream.Context().Done():
			return status.FromContextError(stream.Context().Err()).Err()
		}
	}
}
