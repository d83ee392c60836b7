"""What the embedded server is told about memory, WAL and planning."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tuning:
    """Server settings; the default suits a demo or a test run on a small machine.

    Durability is not here: fsync, full_page_writes and synchronous_commit are always on.
    """

    shared_buffers_mb: int = 128
    max_wal_size_mb: int = 2048
    wal_buffers_mb: int | None = None
    checkpoint_timeout_min: int = 5
    max_connections: int = 100
    random_page_cost: float = 1.1
    max_parallel_workers_per_gather: int = 0
    wal_compression: str = "lz4"

    @classmethod
    def for_bench(cls) -> Tuning:
        """Give the settings that the benchmarks were taken with; wants 8 GB of memory or more."""
        return cls(
            shared_buffers_mb=4096,
            max_wal_size_mb=8192,
            wal_buffers_mb=64,
            checkpoint_timeout_min=15,
        )

    def settings(self) -> dict[str, str]:
        """Give the settings by PostgreSQL's own names."""
        named = {
            "shared_buffers": f"{self.shared_buffers_mb}MB",
            "max_wal_size": f"{self.max_wal_size_mb}MB",
            "checkpoint_timeout": f"{self.checkpoint_timeout_min}min",
            "max_connections": str(self.max_connections),
            "random_page_cost": str(self.random_page_cost),
            # Docker gives 64 MB of shared memory, and a parallel query may fail in it.
            "max_parallel_workers_per_gather": str(self.max_parallel_workers_per_gather),
            "wal_compression": self.wal_compression,
            "jit": "off",
            "fsync": "on",
            "full_page_writes": "on",
            "synchronous_commit": "on",
            "commit_delay": "0",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if self.wal_buffers_mb is not None:
            named["wal_buffers"] = f"{self.wal_buffers_mb}MB"
        return named
