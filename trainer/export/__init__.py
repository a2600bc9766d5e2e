"""Export of trained models: LiteRT, ONNX, SavedModel, int8."""
