# --8<-- [start:eight-kilohertz]
processor(wave[::2], sampling_rate=8000, return_tensors="pt")
# --8<-- [end:eight-kilohertz]

# --8<-- [start:not-thirty-seconds]
model.get_encoder()(inputs.input_features[..., :100].to(device))
# --8<-- [end:not-thirty-seconds]
