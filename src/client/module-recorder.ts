/**
 * The recorder of the module: its functions record on the global meter provider, at the moment they are called. Values
 * recorded before any SDK is registered come to nothing, except while startPlumbline is at work, which keeps them.
 */
import { createPlumbline, type Recorder } from './recorder.js';

const recorder: Recorder = createPlumbline();

/** {@inheritDoc Trackers.trackResponseTime} */
export const trackResponseTime: Recorder['trackResponseTime'] = recorder.trackResponseTime;
/** {@inheritDoc Trackers.trackError} */
export const trackError: Recorder['trackError'] = recorder.trackError;
/** {@inheritDoc Trackers.trackThroughput} */
export const trackThroughput: Recorder['trackThroughput'] = recorder.trackThroughput;
/** {@inheritDoc Recorder.trackPageLoad} */
export const trackPageLoad: Recorder['trackPageLoad'] = recorder.trackPageLoad;
/** {@inheritDoc Trackers.trackUserInteraction} */
export const trackUserInteraction: Recorder['trackUserInteraction'] = recorder.trackUserInteraction;
/** {@inheritDoc Trackers.trackNavigation} */
export const trackNavigation: Recorder['trackNavigation'] = recorder.trackNavigation;
/** {@inheritDoc Trackers.trackTask} */
export const trackTask: Recorder['trackTask'] = recorder.trackTask;
/** {@inheritDoc Trackers.trackSatisfaction} */
export const trackSatisfaction: Recorder['trackSatisfaction'] = recorder.trackSatisfaction;
/** {@inheritDoc Trackers.trackProcess} */
export const trackProcess: Recorder['trackProcess'] = recorder.trackProcess;
/** {@inheritDoc Trackers.trackAutomation} */
export const trackAutomation: Recorder['trackAutomation'] = recorder.trackAutomation;
/** {@inheritDoc Trackers.trackCost} */
export const trackCost: Recorder['trackCost'] = recorder.trackCost;
/** {@inheritDoc Trackers.trackBusinessValue} */
export const trackBusinessValue: Recorder['trackBusinessValue'] = recorder.trackBusinessValue;
/** {@inheritDoc Trackers.trackAdoption} */
export const trackAdoption: Recorder['trackAdoption'] = recorder.trackAdoption;
/** {@inheritDoc Trackers.trackImpact} */
export const trackImpact: Recorder['trackImpact'] = recorder.trackImpact;
/** {@inheritDoc Recorder.timed} */
export const timed: Recorder['timed'] = recorder.timed;
/** {@inheritDoc Recorder.instrumentHandler} */
export const instrumentHandler: Recorder['instrumentHandler'] = recorder.instrumentHandler;
/** {@inheritDoc Recorder.withContext} */
export const withContext: Recorder['withContext'] = recorder.withContext;
/** {@inheritDoc Recorder.createBatch} */
export const createBatch: Recorder['createBatch'] = recorder.createBatch;
