/** A failure as grpc-js sends it: code, text, and a google.rpc.Status in grpc-status-details-bin. */
import { Metadata } from '@grpc/grpc-js';
import { encodeStatus } from './answer-encoding.js';
import { describeFailure, type Failure } from './status-codes.js';

export interface GrpcStatus {
  code: number;
  details: string;
  metadata: Metadata;
}

export function describeGrpcStatus(error: unknown): GrpcStatus {
  return toGrpcStatus(describeFailure(error));
}

export function toGrpcStatus(failure: Failure): GrpcStatus {
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', encodeStatus(failure, 'protobuf'));
  return { code: failure.grpcCode, details: failure.message, metadata };
}
