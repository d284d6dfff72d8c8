# --8<-- [start:draw]
with open("figure-points.svg", "w") as file:
    file.write('<svg><path d="M 10.0 20.0 L 30.5 40.25"/><text>points</text></svg>\n')
# --8<-- [end:draw]
