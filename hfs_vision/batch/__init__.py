"""Many recordings: found, analysed in several processes or on a Dask cluster, counted in one table.

Each recording is one job that needs nothing of the others. A job holds the lock of its result
folder, so that batches may share a folder, and ends by writing ``batch.json`` there: what was
analysed, with what, and the recording's row of ``cohort.csv``. So a batch that was killed goes on
where it was, and nothing but the folder needs to be asked.
"""

from hfs_vision.batch.cluster import Cluster
from hfs_vision.batch.cohort import COHORT_COLUMNS, RECORD_FILE
from hfs_vision.batch.job import AnalysisRequest, Job, Outcome, Program
from hfs_vision.batch.pool import Pool
from hfs_vision.batch.run import Backend, ProgressListener, run_batch
from hfs_vision.batch.sources import BatchRecording, LeftOut, find_recordings
from hfs_vision.results import COHORT_FILE

__all__ = [
    "COHORT_COLUMNS",
    "COHORT_FILE",
    "RECORD_FILE",
    "AnalysisRequest",
    "Backend",
    "BatchRecording",
    "Cluster",
    "Job",
    "LeftOut",
    "Outcome",
    "Pool",
    "Program",
    "ProgressListener",
    "find_recordings",
    "run_batch",
]
