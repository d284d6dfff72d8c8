# --8<-- [start:none-molecule]
Chem.MolFromSmiles("c1ccccc").GetNumAtoms()  # 环没有闭合
# --8<-- [end:none-molecule]
