# --8<-- [start:undefined-z-dim]
nn.Linear(z_dim, 64)
# --8<-- [end:undefined-z-dim]

# --8<-- [start:undefined-img-shape]
nn.Linear(64, img_shape)
# --8<-- [end:undefined-img-shape]

# --8<-- [start:undefined-num-epochs]
range(num_epochs)
# --8<-- [end:undefined-num-epochs]

# --8<-- [start:undefined-train-loader]
enumerate(train_loader)
# --8<-- [end:undefined-train-loader]

# --8<-- [start:undefined-z]
nn.Linear(16, 64)(z)
# --8<-- [end:undefined-z]

# --8<-- [start:undefined-device]
del device  # 本页的开头定义过它，这里退回到没有定义的状态
torch.ones(4, 1).to(device)
# --8<-- [end:undefined-device]

# --8<-- [start:unflattened-images]
_, discriminator = build_networks()
(images,) = next(iter(train_loader))  # (64, 1, 8, 8)
discriminator(images.to(device))
# --8<-- [end:unflattened-images]

# --8<-- [start:move-labels-only]
elsewhere = "meta"  # 每台机器都有的“另一个设备”，代替 GPU
outputs = torch.rand(4, 1)  # 判别器没有搬，输出留在 CPU
nn.BCELoss()(outputs, torch.ones(4, 1).to(elsewhere))
# --8<-- [end:move-labels-only]

# --8<-- [start:detached-loss]
generator, discriminator = build_networks()
g_optimizer = torch.optim.Adam(generator.parameters(), lr=learning_rate)
before = [parameter.detach().clone() for parameter in generator.parameters()]

detached = generator(z).detach()  # 判别器那一步用过的假图
g_optimizer.zero_grad()
ones = torch.ones(batch_size, 1, device=device)
g_loss = adversarial_loss(discriminator(detached), ones)
g_loss.backward()  # 不报错：判别器的参数还在图上
g_optimizer.step()  # 也不报错：没有梯度的参数被跳过

for (name, parameter), old in zip(generator.named_parameters(), before, strict=True):
    assert parameter.grad is None and torch.equal(parameter, old)
    print(name, "梯度", parameter.grad, "权重没有变", torch.equal(parameter, old))
# --8<-- [end:detached-loss]

# --8<-- [start:losses-look-alive]
generator, discriminator = build_networks()
g_optimizer = torch.optim.Adam(generator.parameters(), lr=learning_rate, betas=(0.5, 0.999))
d_optimizer = torch.optim.Adam(discriminator.parameters(), lr=learning_rate, betas=(0.5, 0.999))
start, g_losses = distance_to_real(generator), []
for _ in range(num_epochs):
    for (images,) in train_loader:
        images = images.flatten(start_dim=1).to(device)
        discriminator_step(generator, discriminator, d_optimizer, images)
        g_optimizer.zero_grad()
        fake_images = generator(torch.randn(len(images), z_dim, device=device)).detach()
        ones = torch.ones(len(images), 1, device=device)
        g_loss = adversarial_loss(discriminator(fake_images), ones)
        g_loss.backward()
        g_optimizer.step()
        g_losses.append(g_loss.item())

assert g_losses[-1] > 1.5 * g_losses[0]
assert abs(distance_to_real(generator) - start) < 1e-6
print(f"g_loss 从 {g_losses[0]:.2f} 到 {g_losses[-1]:.2f}，步数 {len(g_losses)}")
print(f"与真图均值的差：训练前 {start:.2f}，训练后 {distance_to_real(generator):.2f}")
# --8<-- [end:losses-look-alive]

# --8<-- [start:fixed-noise]
steps = num_epochs * len(train_loader)
seen = torch.cat([z for _ in range(steps)])  # 循环之外取一次，步步都用它
print(f"{steps} 步共用 {len(seen)} 行噪声，不同的只有", len(seen.unique(dim=0)))
assert len(seen.unique(dim=0)) == batch_size
# --8<-- [end:fixed-noise]
