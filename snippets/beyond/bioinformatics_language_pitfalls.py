# --8<-- [start:none-molecule]
Chem.MolToSmiles(Chem.MolFromSmiles("c1ccccc"))  # 环没有闭合
# --8<-- [end:none-molecule]
