export * from "./client-error.ts";
export * from "./create-client.ts";
export { declaredField, declaredPaths } from "./declared-paths.ts";
export { RECORDED_SHARE, createRecorder, noteRequest, trackEvent, trackReply } from "./recorder.ts";
export type {
  ExpectationRecorder,
  RecordedCall,
  RecordedEvent,
  RecorderOptions,
  SentParts,
} from "./recorder.ts";
