"""Pipelines from the built-in model, folders, single files and the Hub, with where they came from."""

from sdkit.loading.pipeline import load_pipeline, model_path, plan_load

__all__ = ["load_pipeline", "model_path", "plan_load"]
